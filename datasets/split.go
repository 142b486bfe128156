package datasets

// Split says how recordings are divided into training and test, such as
// "group-kfold:k=5".
type Split string

// Part is one training set and the test set that goes with it: indexes of
// recordings, ascending.
type Part struct{ Train, Test []int }

// Fold is one cell of the experiment. Most splits have one part per fold;
// leave-one-out is a single fold with one part per recording.
type Fold []Part
