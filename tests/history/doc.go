// Package history plays a random load against the functions as they ship, while
// the table, the functions and the whole machine fail around them, and then asks
// whether what the callers were answered can have happened: in some order of the
// calls, one at a time, by the transitions of shared/user. Porcupine looks for
// that order, for each person in each workspace alone.
// https://github.com/anishathalye/porcupine
//
// What callers cannot see is read from the table's stream, which holds every
// state that the table was ever in: at none of them may a workspace have no
// manager, or more people than seats.
//
// A failure names the seed of the load, and shows the shortest history that is
// still impossible.
package history
