(component
  (core module $m (func $get (export "get") (result i32) (loop $again (br $again)) (i32.const 0)))
  (core instance $i (instantiate $m))
  (func $get (result u32) (canon lift (core func $i "get")))
  (instance $number (export "get" (func $get)))
  (export "test:numbers/number@1.0.0" (instance $number)))
