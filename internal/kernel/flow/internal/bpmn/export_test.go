package bpmn

// Sound and Anything let tests outside the package make random drawings.
func Sound(seed uint64) *Process    { return roll(seed).sound() }
func Anything(seed uint64) *Process { return roll(seed).anything() }
