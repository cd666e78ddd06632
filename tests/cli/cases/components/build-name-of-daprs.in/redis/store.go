package redis

func New(log logger.Logger) state.Store { return nil }
