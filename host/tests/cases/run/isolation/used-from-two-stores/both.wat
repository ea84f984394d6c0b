;; Succeeds if its number is greater by one than the other number.
(component
  (import "test:numbers/number@1.0.0" (instance $one (export "get" (func (result u32)))))
  (import "test:other/other@1.0.0" (instance $other (export "get" (func (result u32)))))
  (core func $one (canon lower (func $one "get")))
  (core func $other (canon lower (func $other "get")))
  (core module $m
    (import "" "one" (func $one (result i32)))
    (import "" "other" (func $other (result i32)))
    (func (export "run") (result i32) (i32.ne (call $one) (i32.add (call $other) (i32.const 1)))))
  (core instance $i (instantiate $m (with "" (instance
    (export "one" (func $one)) (export "other" (func $other))))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.6" (instance $command)))
