// Package domain holds the nouns of Inferometer: runs, plans, requests, samples, models and
// reports, with the JSON names that the REST contract gives them. It imports the standard library
// alone, does no I/O and knows no other package of the program. Units stand in the names: Us is
// microseconds, Ms milliseconds, GB 10^9 bytes. A nil pointer means "not measured" or "not known
// yet", never zero.
package domain
