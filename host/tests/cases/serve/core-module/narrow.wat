(module
  (import "host" "send_message" (func (param i32 i32 i32))))
