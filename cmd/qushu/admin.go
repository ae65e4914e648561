package main

type adminCmd struct{}

// Run is filled in with its room.
func (adminCmd) Run() error { return nil }

type backupCmd struct{}

// Run is filled in with its room.
func (backupCmd) Run() error { return nil }

type restoreCmd struct{}

// Run is filled in with its room.
func (restoreCmd) Run() error { return nil }
