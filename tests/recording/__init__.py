"""What all tests together show: that answers keep to the contract, and which parameters are sent.

`hook` is loaded into every process that serves and notes what it is asked and what it answers;
`plugin` reads the notes after each test.
"""
