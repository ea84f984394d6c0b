(component
  (type $counter (resource (rep i32)))
  (core func $new (canon resource.new $counter))
  (core module $m
    (import "" "new" (func $new (param i32) (result i32)))
    (func (export "new") (result i32) (call $new (i32.const 1))))
  (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
  (func $new (result (own $counter)) (canon lift (core func $i "new")))
  (component $c
    (import "counter" (type $counter (sub resource)))
    (import "new" (func $new (result (own $counter))))
    (export $exported "counter" (type $counter))
    (export "[constructor]counter" (func $new) (func (result (own $exported)))))
  (instance $counters (instantiate $c (with "counter" (type $counter)) (with "new" (func $new))))
  (export "test:counters/counters@1.0.0" (instance $counters)))
