;; Gives its input back.
(module
  (import "host" "get_input_size" (func $size (result i32)))
  (import "host" "get_input" (func $get (param i32)))
  (import "host" "set_output" (func $set (param i32 i32)))
  (memory (export "memory") 1)
  (func (export "echo")
    (call $get (i32.const 64))
    (call $set (i32.const 64) (call $size)))
  (func (export "outside") (call $set (i32.const 65530) (i32.const 7)))
  (func (export "nothing")))
