;; Asks for 8 EiB of random bytes at once.
(component
  (import "wasi:random/random@0.2.6" (instance $r (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
  (core module $libc (memory (export "memory") 1) (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 16))
  (core instance $libc (instantiate $libc))
  (core func $get (canon lower (func $r "get-random-bytes") (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
  (core module $m (import "r" "get" (func $get (param i64 i32)))
    (func (export "run") (result i32) (call $get (i64.const 0x7fffffffffffffff) (i32.const 0)) (i32.const 0)))
  (core instance $i (instantiate $m (with "r" (instance (export "get" (func $get))))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.6" (instance $command)))