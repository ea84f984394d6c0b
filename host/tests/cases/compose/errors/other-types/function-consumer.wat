(component (import "get" (func (result u32))))
