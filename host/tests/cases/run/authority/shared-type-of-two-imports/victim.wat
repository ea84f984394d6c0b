(component
 (import "wasi:cli/environment@0.2.6" (instance $environment
    (export "get-environment" (func (result (list (tuple string string)))))))
 (instance $e) (export "test:v/v" (instance $e)))
