;; Gives back a copy of its input, or ranges that break the rules.
(module
  (memory (export "memory") 1)
  (func (export "allocate") (param i32) (result i32) (i32.const 1024))
  (func (export "deallocate") (param i32 i32))
  (func (export "echo") (param $from i32) (param $length i32) (result i32 i32)
    (memory.copy (i32.const 4096) (local.get $from) (local.get $length))
    (i32.const 4096) (local.get $length))
  (func (export "same") (param i32 i32) (result i32 i32) (local.get 0) (local.get 1))
  (func (export "outside") (param i32 i32) (result i64) (i64.const 0x0000fffa00000007)))
