//! The logic in `examples/rooms`.

use super::{Served, load, logic, tokio};
use crate::guests::{Guest, trial};
use libtest_mimic::{Failed, Trial};

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("rooms::the_second_chat_takes_over_the_first", || {
            tokio()?.block_on(chat())
        }),
        trial(
            "rooms::the_counter_counts".to_owned(),
            Guest::Counter.missing_toolchain(),
            || tokio()?.block_on(counter()),
        ),
        Trial::test("rooms::the_echo_answers", || tokio()?.block_on(echo())),
    ]
}

async fn chat() -> Result<(), Failed> {
    let served = Served::start(logic(Guest::Chat, &[])?).await?;
    let mut ada = served.client("/a?name=ada").await?;
    assert_eq!(
        ada.text().await?,
        r#"{"type":"welcome","name":"ada","people":["ada"],"history":[]}"#
    );
    let mut bob = served.client("/a?name=b%C3%B6b+2").await?;
    assert_eq!(
        bob.text().await?,
        r#"{"type":"welcome","name":"böb 2","people":["ada","böb 2"],"history":[]}"#
    );
    assert_eq!(ada.text().await?, r#"{"type":"joined","name":"böb 2"}"#);
    assert_eq!(
        ada.ask("hi").await?,
        r#"{"type":"said","name":"ada","text":"hi"}"#
    );
    assert_eq!(
        bob.text().await?,
        r#"{"type":"said","name":"ada","text":"hi"}"#
    );

    let replaced = served
        .rooms
        .replace(load(logic(Guest::Chat2, &[])?).await?)
        .await;
    assert_eq!((replaced.replaced, replaced.refused), (1, 0));
    for client in [&mut ada, &mut bob] {
        assert_eq!(
            client.text().await?,
            r#"{"type":"topic","topic":"anything"}"#
        );
    }
    assert_eq!(
        bob.ask("/topic cats").await?,
        r#"{"type":"topic","topic":"cats"}"#
    );
    assert_eq!(ada.text().await?, r#"{"type":"topic","topic":"cats"}"#);
    let mut eve = served.client("/a").await?;
    assert_eq!(
        eve.text().await?,
        r#"{"type":"welcome","name":"guest 3","people":["ada","böb 2","guest 3"],"history":[{"name":"ada","text":"hi"}],"topic":"cats"}"#
    );
    // The first version does not understand the state of the second.
    let replaced = served
        .rooms
        .replace(load(logic(Guest::Chat, &[])?).await?)
        .await;
    assert_eq!((replaced.replaced, replaced.refused), (0, 1));
    let closed = served
        .client(&format!("/a?name={}", "x".repeat(33)))
        .await?
        .close()
        .await?;
    assert_eq!(
        closed,
        (1008, "a name has at most 32 bytes of UTF-8".to_owned())
    );
    served.stop().await
}

async fn counter() -> Result<(), Failed> {
    let served = Served::start(logic(Guest::Counter, &[])?).await?;
    let mut one = served.client("/a").await?;
    assert_eq!(one.text().await?, "0");
    assert_eq!(one.ask("+").await?, "1");
    let mut other = served.client("/a").await?;
    assert_eq!(other.text().await?, "1");
    assert_eq!(other.ask("-").await?, "0");
    assert_eq!(one.text().await?, "0");
    one.send("*").await?;
    assert_eq!(one.close().await?, (1008, "send `+` or `-`".to_owned()));
    served.stop().await
}

async fn echo() -> Result<(), Failed> {
    let served = Served::start(logic(Guest::Echo, &[])?).await?;
    assert_eq!(served.client("/a").await?.ask("hello").await?, "hello");
    served.stop().await
}
