(component
  (core module $m (memory (export "memory") 1) (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const -8) (func (export "put") (param i32 i32)))
  (core instance $i (instantiate $m))
  (func $put (param "x" string) (canon lift (core func $i "put") (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
  (instance $n (export "put" (func $put)))
  (export "test:s/s" (instance $n)))
