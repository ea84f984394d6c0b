;; Exports the cache that it imports.
(component
  (import "toolkit:cache/cache@0.1.0" (instance $cache
    (type $error (enum "runtime-error" "not-found-error"))
    (export "error" (type $e (eq $error)))
    (export "set" (func (param "key" string) (param "value" (list u8)) (param "ttl" (option u32))
      (result (result (error $e)))))
    (export "get" (func (param "key" string) (result (result (list u8) (error $e)))))
    (export "delete" (func (param "key" string) (result (result (error $e)))))))
  (export "toolkit:cache/cache@0.1.0" (instance $cache)))
