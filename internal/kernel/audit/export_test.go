package audit

// AtOnce sets how many records a caller waits for, so that a test need not write twenty thousand.
func (l *Log) AtOnce(n int64) { l.atOnce = n }

// AtLook sets how many waiting rows are looked up at a time, likewise.
func (l *Log) AtLook(n int) { l.atLook = n }
