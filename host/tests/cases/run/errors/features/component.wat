(component (core module $m (memory 1 1 shared)))
