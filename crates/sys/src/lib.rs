//! Kernel interfaces: the only unsafe code of the project.
