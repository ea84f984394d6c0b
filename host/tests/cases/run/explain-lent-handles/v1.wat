(component
  (import "wasi:filesystem/types@0.2.6" (instance $types
    (export "descriptor" (type (sub resource)))))
  (instance $e)
  (export "test:a/a" (instance $e))
  (export "wasi:filesystem/types@0.2.6" (instance $types)))
