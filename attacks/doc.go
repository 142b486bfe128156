// Package attacks is the contract of attacks: what an observer of a home's
// traffic may learn from, what it is asked and in which form it answers. The way
// from training data to an answer:
//
//  1. Recordings go through a defense and are cut down to what is seen at a
//     vantage point. Those of the training part become the Examples of a Training,
//     each with its Labels, and what can be answered becomes its Classes.
//  2. Attack.Train chooses what its parameters leave open, by validation inside
//     the examples and split by their Group, learns, and returns a Model.
//  3. Test recordings go the same way, through the defense that is judged. The
//     Model gets their traces one at a time and never their labels.
//  4. Model.Guess fills that part of an Answer that belongs to the task: Clip,
//     Events, Devices, Commands or Slots.
//  5. The answer is compared with the labels by somebody else: an attack neither
//     scores itself nor knows which defense it met. So attacks never import
//     defenses: one that recognized a defense's type would cheat.
//
// An attack is a struct whose exported fields are its parameters (see package
// params); Parse reads them from text and ID writes them. Some can do more than
// the contract asks: Featurer shows vectors, Loader and Saver files of models.
// Training that takes long reports and can be taken up again, see WithProgress
// and WithCheckpoints. Package attacktest has the contract as tests.
package attacks
