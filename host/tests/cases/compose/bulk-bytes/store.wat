(component
  (core module $m
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
    ;; A list of twice as many bytes as the key has, or with the key "" a list whose length is out of bounds.
    (func $get (export "get") (param $key i32) (param $length i32) (result i32)
      (i32.store (i32.const 16) (i32.const 1025))
      (i32.store (i32.const 20)
        (select
          (i32.shl (local.get $length) (i32.const 1))
          (i32.const 0x80000000)
          (local.get $length)))
      (i32.const 16))
    (func (export "keys") (result i32) (i32.const 32)))
  (core instance $i (instantiate $m))
  (func $get (param "key" string) (result (list u8))
    (canon lift (core func $i "get")
      (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
  (func $keys (result (list string))
    (canon lift (core func $i "keys") (memory (core memory $i "memory"))))
  (instance $store (export "get" (func $get)) (export "keys" (func $keys)))
  (export "test:bytes/store" (instance $store)))
