;; A component inside gets three functions, one of which the part calls too. Nothing gets `append`.
(component
  (import "test:bytes/store" (instance $store
    (export "get" (func (param "key" string) (result (list u8))))
    (export "keys" (func (result (list string))))
    (export "put" (func (param "bytes" (list u8))))
    (export "append" (func (param "bytes" (list u8))))))
  (alias export $store "get" (func $get))
  (alias export $store "keys" (func $keys))
  (alias export $store "put" (func $put))
  (component $inner
    (import "get" (func (param "key" string) (result (list u8))))
    (import "others" (instance
      (export "keys" (func (result (list string))))
      (export "put" (func (param "bytes" (list u8)))))))
  (instance $others (export "keys" (func $keys)) (export "put" (func $put)))
  (instance (instantiate $inner (with "get" (func $get)) (with "others" (instance $others))))
  (core module $memory (memory (export "memory") 1))
  (core instance $memory (instantiate $memory))
  (core func $put (canon lower (func $put) (memory (core memory $memory "memory")))))
