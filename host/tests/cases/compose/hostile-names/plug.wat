(component
  (instance $i)
  (export "d:e/f" (instance $i)))
