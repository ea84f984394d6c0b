(component
  (component $c)
  (instance $i (export "c" (component $c)))
  (export "test:helper/h@1.0.0" (instance $i)))
