// Lets a function of this package have no body: it is linked by its name.
