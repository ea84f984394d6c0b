(component
  (import "test:counters/counters@1.0.0" (instance $counters
    (export "counter" (type $counter (sub resource)))
    (export "[constructor]counter" (func (result (own $counter))))))
  (core func $new (canon lower (func $counters "[constructor]counter")))
  (core module $m
    (import "" "new" (func $new (result i32)))
    (func (export "run") (result i32) (drop (call $new)) (i32.const 0)))
  (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.6" (instance $command)))
