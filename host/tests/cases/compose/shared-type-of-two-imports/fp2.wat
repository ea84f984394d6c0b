(component
  (type $t (instance (export "read" (func (result u32)))))
  (type $c (component (import "acme:secret/db@1.0.0" (instance (type $t)))))
  (import "acme:secret/db@1.0.0" (instance $b (type $t)))
  (import "acme:harmless/log@1.0.0" (instance $a (type $t)))
  (instance $e) (export "test:s/s" (instance $e)))