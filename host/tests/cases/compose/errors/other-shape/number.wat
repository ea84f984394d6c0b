(component
  (core module $m (func (export "get") (param i32) (result i64) (i64.const 42)))
  (core instance $i (instantiate $m))
  (func $get (param "seed" u32) (result u64) (canon lift (core func $i "get")))
  (instance $number (export "get" (func $get)))
  (export "test:numbers/number@1.0.0" (instance $number)))
