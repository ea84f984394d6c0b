;; Multiplies two numbers, and tells the host what it does.
(module
  (import "host" "notify" (func $notify (param $pointer i32) (param $length i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "a product is computed")
  (func (export "mul") (param i32 i32) (result i32)
    (call $notify (i32.const 16) (i32.const 21))
    (i32.mul (local.get 0) (local.get 1))))
