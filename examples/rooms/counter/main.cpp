// The logic of a shared counter: a client sends `+` or `-`, and everybody sees the new number.

#include "room_logic_cpp.h"

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace room = toolkit::rooms::room;
namespace logic = exports::toolkit::rooms::logic;

namespace {

constexpr std::string_view kVersion = "counter 1";
constexpr std::uint16_t kPolicy = 1008;

std::int64_t counter = 0;

room::Message number() {
  return {room::Message::Text{wit::string::from_view(std::to_string(counter))}};
}

wit::vector<std::uint8_t> bytes(std::string_view text) {
  auto result = wit::vector<std::uint8_t>::allocate(text.size());
  std::memcpy(result.data(), text.data(), text.size());
  return result;
}

}  // namespace

std::expected<void, wit::string> logic::Start(wit::string, std::optional<SavedState> saved) {
  if (!saved) {
    return {};
  }
  if (saved->version.get_view() != kVersion) {
    return std::unexpected(wit::string::from_view("the state is not of `counter 1`"));
  }
  const auto *text = reinterpret_cast<const char *>(saved->state.data());
  const auto *end = text + saved->state.size();
  const auto [parsed, error] = std::from_chars(text, end, counter);
  if (error != std::errc{} || parsed != end) {
    return std::unexpected(wit::string::from_view("the state is not a number"));
  }
  return {};
}

std::expected<void, logic::Refusal> logic::Connected(Client client, Request) {
  room::Send(client, number());
  return {};
}

void logic::Received(Client client, Message message) {
  const auto *text = std::get_if<Message::Text>(&message.variants);
  if (text && text->value.get_view() == "+") {
    ++counter;
  } else if (text && text->value.get_view() == "-") {
    --counter;
  } else {
    room::Disconnect(client, kPolicy, "send `+` or `-`");
    return;
  }
  room::Broadcast(number(), {});
}

void logic::Disconnected(Client) {}

void logic::Woke() {}

logic::SavedState logic::Save() {
  return {wit::string::from_view(kVersion), bytes(std::to_string(counter))};
}
