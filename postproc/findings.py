"""What a finding and a rule are: the diagnosis rests on these."""
