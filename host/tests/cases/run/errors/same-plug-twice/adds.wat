;; Is content if the number and the twin are 42 together; the twin is the number behind it.
(component
  (import "test:numbers/number@1.0.0" (instance $number
    (export "get" (func (result u32)))))
  (import "test:numbers/twin@1.0.0" (instance $twin
    (export "get" (func (result u32)))))
  (core func $get (canon lower (func $number "get")))
  (core func $twin (canon lower (func $twin "get")))
  (core module $m
    (import "number" "get" (func $get (result i32)))
    (import "twin" "get" (func $twin (result i32)))
    (func (export "run") (result i32)
      (i32.ne (i32.add (call $twin) (call $get)) (i32.const 42))))
  (core instance $i (instantiate $m
    (with "number" (instance (export "get" (func $get))))
    (with "twin" (instance (export "get" (func $twin))))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.6" (instance $command)))
