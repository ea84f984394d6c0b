(component
  (component $counters
    (core module $m
      (memory (export "memory") 1)
      (func (export "new") (param i32) (result i32) (local.get 0))
      (func (export "twice") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2))))
    (core instance $i (instantiate $m))
    (type $counter (resource (rep i32)))
    (core func $resource-new (canon resource.new $counter))
    (core module $make
      (import "host" "resource-new" (func $resource-new (param i32) (result i32)))
      (func (export "new") (param i32) (result i32) (call $resource-new (local.get 0))))
    (core instance $maker (instantiate $make
      (with "host" (instance (export "resource-new" (func $resource-new))))))
    (export $counter-type "counter" (type $counter))
    (func $new (param "start" u32) (result (own $counter-type)) (canon lift (core func $maker "new")))
    (func $twice (param "self" (borrow $counter-type)) (result u32) (canon lift (core func $i "twice")))
    (export "[constructor]counter" (func $new))
    (export "[method]counter.twice" (func $twice)))
  (instance $counters (instantiate $counters))
  (export "test:counters/counters@1.0.0" (instance $counters)))
