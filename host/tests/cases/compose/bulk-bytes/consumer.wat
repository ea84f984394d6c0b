(component
  (import "test:bytes/store" (instance $store
    (export "get" (func (param "key" string) (result (list u8))))
    (export "keys" (func (result (list string))))))
  (core module $memory
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096)))
  (core instance $memory (instantiate $memory))
  (core func $get (canon lower (func $store "get")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core func $keys (canon lower (func $store "keys")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core module $main
    (import "store" "memory" (memory 1))
    (import "store" "get" (func $get (param i32 i32 i32)))
    (import "store" "keys" (func $keys (param i32)))
    (data (i32.const 64) "one\ff")
    (func $length (export "length") (param $key i32) (result i32)
      (call $get (i32.const 64) (local.get $key) (i32.const 16))
      (i32.load (i32.const 20))))
  (core instance $main (instantiate $main
    (with "store" (instance
      (export "memory" (memory $memory "memory"))
      (export "get" (func $get))
      (export "keys" (func $keys))))))
  ;; The length of the value of the key of this length.
  (func (export "length") (param "key" u32) (result u32) (canon lift (core func $main "length"))))
