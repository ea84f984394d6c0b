(component
  (core module $m (memory 1) (func $get (export "get") (result i32) (drop (memory.grow (i32.const 10))) unreachable))
  (core instance $i (instantiate $m))
  (func $get (result u32) (canon lift (core func $i "get")))
  (instance $number (export "get" (func $get)))
  (export "test:numbers/number@1.0.0" (instance $number)))
