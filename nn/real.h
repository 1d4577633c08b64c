/* The number type of tensors: float, always, for everybody.
 *
 * Only the tests' second library fl_nn_double is compiled with NN_REAL_DOUBLE,
 * because finite differences need the digits of double. Code in nn/ therefore
 * says nn_real where it means a tensor element; callers may say float.
 */
#ifndef NN_REAL_H
#define NN_REAL_H

#ifdef NN_REAL_DOUBLE
typedef double nn_real;
#else
typedef float nn_real;
#endif

#endif
