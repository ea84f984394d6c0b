;; A plug that exports what the host provides too, in another version that is compatible.
(component
  (core module $m
    (func (export "get") (result i32) (i32.const 1))
    (func (export "random") (result i64) (i64.const 42)))
  (core instance $i (instantiate $m))
  (func $get (result u32) (canon lift (core func $i "get")))
  (func $random (result u64) (canon lift (core func $i "random")))
  (instance $number (export "get" (func $get)))
  (instance $random (export "get-random-u64" (func $random)))
  (export "test:numbers/number@1.0.0" (instance $number))
  (export "wasi:random/random@0.2.6" (instance $random)))
