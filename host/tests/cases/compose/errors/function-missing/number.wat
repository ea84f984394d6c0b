(component
  (core module $m (func (export "put") (param i32)))
  (core instance $i (instantiate $m))
  (func $put (param "value" u32) (canon lift (core func $i "put")))
  (instance $number (export "put" (func $put)))
  (export "test:numbers/number@1.0.0" (instance $number)))
