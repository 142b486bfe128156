package datasets

import "context"

// Loader makes data sets of one kind, for a program that adds its own to those that
// can be named: NAME=PATH, or NAME alone, on the command line and in files.
type Loader struct {
	// Name is kebab-case and stands before the path. It goes before a built-in name
	// that is the same.
	Name string
	// Doc is one line for lists, no capital, no period.
	Doc string
	// Load reads what lies at path, "" where none was written, or makes it from seed:
	// the same from the same, for a run compares digests with those of an earlier one.
	// Each data set has a Name, Tasks, a Split and Recorded; what is made by a model is
	// Generated. The slices are the caller's.
	Load func(ctx context.Context, path string, seed uint64) ([]Dataset, error)
}

// Question is a task of one's own: another question about recordings that are there,
// put so that one of the built-in tasks answers it. "Is somebody at home in these ten
// minutes?" is a clip task on recordings cut into ten minutes; "on or off, whatever
// the device?" is an event task with other names. So every attack can be asked, and
// floors, canaries and intervals are those of that task.
type Question struct {
	// Name is kebab-case, and no built-in task has it.
	Name string
	// Doc is one line for lists, no capital, no period.
	Doc string
	// Of puts the question to a data set, which it must not modify: the result holds
	// the recordings to ask about, labeled with the answers, and in Tasks those that
	// answer. A data set that cannot serve it gives one without recordings, which is
	// left out. Groups stay, or a home would be on both sides of a split.
	Of func(Dataset) (Dataset, error)
}
