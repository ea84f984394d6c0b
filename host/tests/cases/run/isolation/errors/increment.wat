(component
  (import "test:numbers/number@1.0.0" (instance $inner
    (export "get" (func (result u32)))))
  (core func $get (canon lower (func $inner "get")))
  (core module $m
    (import "inner" "get" (func $get (result i32)))
    (func (export "get") (result i32) (i32.add (call $get) (i32.const 1))))
  (core instance $i (instantiate $m
    (with "inner" (instance (export "get" (func $get))))))
  (func $incremented (result u32) (canon lift (core func $i "get")))
  (instance $number (export "get" (func $incremented)))
  (export "test:numbers/number@1.0.0" (instance $number)))
