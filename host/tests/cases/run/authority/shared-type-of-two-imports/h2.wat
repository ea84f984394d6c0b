(component
 (import "wasi:io/error@0.2.6" (instance $er (export "error" (type (sub resource)))))
 (alias export $er "error" (type $error))
 (component $c)
 (instance $h (export "c" (component $c)) (export "d" (component $c)))
 (export "test:h/h" (instance $h))
 (export $x "error" (type $error))
 (instance $g (export "error" (type $error)) (export "r0" (type $x)))
 (export "test:h/g" (instance $g)))
