(component
  (cor module))
