;; A component inside gets the whole interface.
(component
  (import "test:bytes/store" (instance $store
    (export "get" (func (param "key" string) (result (list u8))))
    (export "keys" (func (result (list string))))))
  (component $inner
    (import "store" (instance
      (export "get" (func (param "key" string) (result (list u8))))
      (export "keys" (func (result (list string)))))))
  (instance (instantiate $inner (with "store" (instance $store)))))
