;; Exits with 0 if it is told 42 as a random number, by whoever answers.
(component
  (import "wasi:random/random@0.2.0" (instance $random
    (export "get-random-u64" (func (result u64)))))
  (import "test:numbers/number@1.0.0" (instance $number
    (export "get" (func (result u32)))))
  (core func $random (canon lower (func $random "get-random-u64")))
  (core func $get (canon lower (func $number "get")))
  (core module $m
    (import "host" "random" (func $random (result i64)))
    (import "plug" "get" (func $get (result i32)))
    (func (export "run") (result i32)
      (drop (call $get))
      (i64.ne (call $random) (i64.const 42))))
  (core instance $i (instantiate $m
    (with "host" (instance (export "random" (func $random))))
    (with "plug" (instance (export "get" (func $get))))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.6" (instance $command)))
