(component
  (import "test:numbers/number@1.0.0" (instance $number
    (export "get" (func (result u32)))))
  (core func $get (canon lower (func $number "get")))
  (core module $m
    (import "number" "get" (func $get (result i32)))
    (func (export "get") (result i32) (call $get)))
  (core instance $i (instantiate $m
    (with "number" (instance (export "get" (func $get))))))
  (func $twin (result u32) (canon lift (core func $i "get")))
  (instance $twins (export "get" (func $twin)))
  (export "test:numbers/twin@1.0.0" (instance $twins)))
