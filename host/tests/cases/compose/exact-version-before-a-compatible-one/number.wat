;; Exports three versions that are compatible with what is imported; 42 is the number of the very one.
(component
  (core module $m
    (func (export "newer") (result i32) (i32.const 41))
    (func (export "exact") (result i32) (i32.const 42))
    (func (export "newest") (result i32) (i32.const 43)))
  (core instance $i (instantiate $m))
  (func $newer (result u32) (canon lift (core func $i "newer")))
  (func $exact (result u32) (canon lift (core func $i "exact")))
  (func $newest (result u32) (canon lift (core func $i "newest")))
  (instance $newer (export "get" (func $newer)))
  (instance $exact (export "get" (func $exact)))
  (instance $newest (export "get" (func $newest)))
  (export "test:numbers/number@1.0.1" (instance $newer))
  (export "test:numbers/number@1.0.0" (instance $exact))
  (export "test:numbers/number@1.1.0" (instance $newest)))
