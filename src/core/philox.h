/*
 * philox.h - constants of Philox-4x32-10, and which of its words an element gets.
 *
 * Element e is word e / 16 % 4 of the block whose counter is e / 64 * 16 + e % 16: sixteen counters
 * make four registers that are stored as they are.
 */
#ifndef HEW_PHILOX_H
#define HEW_PHILOX_H

enum { HEW_PHILOX_ROUNDS = 10, HEW_PHILOX_GROUP = 64 }; /* elements of sixteen counters */

#define HEW_PHILOX_M0 0xd2511f53u
#define HEW_PHILOX_M1 0xcd9e8d57u
#define HEW_PHILOX_W0 0x9e3779b9u /* added to the key between rounds */
#define HEW_PHILOX_W1 0xbb67ae85u

#define HEW_TWO_PI 0x1.921fb6p2f

#endif
