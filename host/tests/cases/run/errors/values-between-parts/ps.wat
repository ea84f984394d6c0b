(component
  (core module $m (memory (export "memory") 1) (func (export "get") (result i32) i32.const 0xfffffff0))
  (core instance $i (instantiate $m))
  (func $get (result string) (canon lift (core func $i "get") (memory (core memory $i "memory"))))
  (instance $n (export "get" (func $get)))
  (export "test:s/s" (instance $n)))
