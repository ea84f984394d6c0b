;; A command that imports a cache. It exits with 0 if `get` of its key finds nothing, else with 1.
(component
  (import "toolkit:cache/cache@0.1.0" (instance $cache
    (type $error (enum "runtime-error" "not-found-error"))
    (export "error" (type $e (eq $error)))
    (export "get" (func (param "key" string) (result (result (list u8) (error $e)))))))
  (core module $memory
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $memory (instantiate $memory))
  (core func $get (canon lower (func $cache "get")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core module $m
    (import "host" "memory" (memory 1))
    (import "host" "get" (func $get (param i32 i32 i32)))
    (data (i32.const 0) "key")
    (func (export "run") (result i32)
      (call $get (i32.const 0) (i32.const 3) (i32.const 16))
      ;; 1 is `err`, and its payload 1 is `not-found-error`
      (i32.eqz (i32.and (i32.load8_u (i32.const 16)) (i32.load8_u (i32.const 20))))))
  (core instance $i (instantiate $m (with "host" (instance
    (export "memory" (memory $memory "memory")) (export "get" (func $get))))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.6" (instance $command)))
