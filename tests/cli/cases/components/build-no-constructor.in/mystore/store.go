package mystore

func New() {}
