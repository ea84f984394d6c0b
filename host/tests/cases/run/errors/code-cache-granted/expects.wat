(component
  (import "test:numbers/number@1.0.0" (instance $number
    (export "get" (func (result u32)))))
  (core func $get (canon lower (func $number "get")))
  (core module $m
    (import "number" "get" (func $get (result i32)))
    ;; `ok` if the plug has one directory, two variables and no arguments
    (func (export "run") (result i32) (i32.ne (call $get) (i32.const 21))))
  (core instance $i (instantiate $m
    (with "number" (instance (export "get" (func $get))))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.6" (instance $command)))
