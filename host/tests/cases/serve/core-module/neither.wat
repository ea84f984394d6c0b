(module
  (memory (export "memory") 1)
  (func (export "connect") (param i32))
  (func (export "message") (param i32 i32 i32)))
